// What scripts/bench and scripts/storm have in common: usage errors, interruption, exit codes.
import { messageOf } from '../electron/core/base/error-message.ts'

export class UsageError extends Error {}

/** Options as node:util's parseArgs gives them. */
export const readNumber = (option: string, text: string | undefined): number | null => {
  if (text === undefined) return null
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`${option} takes a whole number, not ${JSON.stringify(text)}`)
  return Number(text)
}

/** The named ones, or all. */
export const chooseParts = <T>(
  parts: Readonly<Record<string, T>>,
  named: readonly string[],
): readonly (readonly [name: string, part: T])[] => {
  const unknown = named.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) throw new UsageError(`there is no part ${unknown}`)
  return Object.entries(parts).filter(([name]) => named.length === 0 || named.includes(name))
}

export const say = (script: string, text: string): void => void process.stderr.write(`${script}: ${text}\n`)

/**
 * @param main returns whether all went well; `signal` aborts when the user interrupts it
 */
export const runScript = async (
  script: string,
  usage: string,
  main: (root: string, signal: AbortSignal) => Promise<boolean>,
): Promise<void> => {
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupt.abort(new Error('interrupted; nothing of it was left running')))
  try {
    if (process.argv.includes('--help')) return console.log(usage)
    const root = process.env['NEXUS_ROOT']
    if (root === undefined) throw new UsageError(`start it with scripts/${script}`)
    if (process.platform !== 'linux') throw new Error('it reads /proc, so it runs on Linux only so far')
    process.exitCode = (await main(root, interrupt.signal)) ? 0 : 1
  } catch (error) {
    const isUsage =
      error instanceof UsageError ||
      (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    say(script, messageOf(error))
    if (isUsage) console.error(usage)
    process.exitCode = isUsage ? 2 : 1
  }
}
