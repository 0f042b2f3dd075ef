// Reads a property list as launchd does, for the pretended one: strings, integers, booleans, arrays and dicts, nothing more.

export type PlistValue =
  | string
  | number
  | boolean
  | readonly PlistValue[]
  | { readonly [key: string]: PlistValue }

/** Throws on anything else. */
export const parsePlist = (text: string): PlistValue => {
  const tokens = [
    ...text.matchAll(/<(string|integer|key)>([^<]*)<\/\1>|<(true|false)\/>|<(\/?(?:array|dict))>/g),
  ]
  let at = 0
  const next = () => tokens[at++]
  const readValue = (): PlistValue => {
    const token = next()
    if (token === undefined) throw new Error('the property list ends too early')
    const [, kind, content = '', flag, bracket] = token
    if (kind === 'string') return decode(content)
    if (kind === 'integer') return Number(content)
    if (flag !== undefined) return flag === 'true'
    if (bracket === 'array') {
      const items: PlistValue[] = []
      while (tokens[at]?.[4] !== '/array') items.push(readValue())
      at += 1
      return items
    }
    if (bracket !== 'dict') throw new Error(`unexpected ${token[0]}`)
    const dict: Record<string, PlistValue> = {}
    while (tokens[at]?.[4] !== '/dict') {
      const key = next()
      if (key?.[1] !== 'key') throw new Error('a key is missing')
      dict[decode(key[2] ?? '')] = readValue()
    }
    at += 1
    return dict
  }
  return readValue()
}

const decode = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
