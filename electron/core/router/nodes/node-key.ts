// The key of another Studio's llama-server, from the file that the profile names.
import { statSync } from 'node:fs'
import type { NodeProfile } from '../../../contract/profile.ts'
import { messageOf } from '../../base/error-message.ts'
import { readFileOrNull } from '../../base/private-file.ts'

/** Sent when no key is needed: LiteLLM wants some text. */
const noKey = 'none'

/** Throws an Error that names the setting when the file can't be used. */
export const readNodeKey = ({ name, keyFile }: NodeProfile): string => {
  if (keyFile === null) return noKey
  const place = `nodes, ${name}, keyFile`
  const text = readText(place, keyFile)
  if (text === null) throw new Error(`${place}: there is no file ${keyFile}`)
  const key = text.trim()
  if (!/^[\x21-\x7e]{1,256}$/.test(key))
    throw new Error(`${place}: ${keyFile} is not one key of printable characters`)
  if ((statSync(keyFile).mode & 0o077) !== 0)
    throw new Error(`${place}: others may read ${keyFile}; only its owner may (chmod 600)`)
  return key
}

const readText = (place: string, path: string): string | null => {
  try {
    return readFileOrNull(path)
  } catch (error) {
    throw new Error(`${place}: ${path} cannot be read: ${messageOf(error)}`)
  }
}
