// The measured stack: the real `nexus` command over the real servers.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Snapshot } from '../electron/contract/snapshot.ts'
import { defaultClientKey } from '../electron/core/access/developer-keys.ts'
import { readKeyList } from '../electron/core/access/developer-keys-file.ts'
import { type LedgerEntry, openLedger } from '../electron/core/supervise/ledger.ts'
import { type CommandEnd, createOwnStack } from './own-stack.ts'

export type BenchStack = Awaited<ReturnType<typeof createBenchStack>>

const settleMs = 120_000
const resetMs = 60_000
/** The last lines give the reason. */
const saidLines = 4

/** @param over overrides the demo profile */
export const createBenchStack = async (
  root: string,
  signal: AbortSignal,
  over: { readonly llamaServer?: object; readonly proxy?: object } = {},
) => {
  const own = await createOwnStack('bench')
  const profilePath = join(own.home, 'profile.json')
  const profile = {
    extends: 'demo',
    llamaServer: { port: own.enginePort, ...over.llamaServer },
    proxy: { port: own.routerPort, ...over.proxy },
    ramDisk: { sizeMiB: 64 },
  }
  writeFileSync(profilePath, JSON.stringify(profile))
  const program = join(root, 'scripts', 'nexus')
  /** Runs a program; throws with its output when it fails. */
  const run = async (...argv: readonly [string, ...string[]]): Promise<CommandEnd> => {
    const end = await own.run(argv, { signal })
    if (end.code === 0) return end
    const said = end.output.trimEnd().split('\n').slice(-saidLines).join(' | ')
    throw new Error(`${argv.join(' ')} ended with ${end.code}: ${said}`)
  }
  /** Runs `nexus WORDS` likewise. */
  const nexus = (...words: string[]) => run(program, ...words)
  /** Ends whatever a failed part left behind, from any state, so the outcome of `down` does not matter. */
  const reset = async () => {
    await own.run([program, 'down', '--now', '--eject', '--force'], { timeoutMs: resetMs })
    await own.endAll()
  }
  return {
    ...own,
    /** Root of the clone. */
    root,
    signal,
    engineKey: () => readFileSync(join(own.folder.keysDir, 'engine.key'), 'utf8').trim(),
    clientKey: () => readClientKey(own.folder.keysDir),
    run,
    nexus,
    /** `nexus up` with the benchmark's profile. */
    up: () => nexus('up', '--profile', profilePath),
    /** Stops everything and ejects the RAM disk, so that the next start has all its work to do. */
    down: async () => void (await nexus('down', '--now', '--eject', '--force')),
    /** Runs `use` beside `nexus status --watch`. */
    watchedFromOutside: async <T>(use: () => Promise<T>): Promise<T> => {
      const watching = new AbortController()
      const end = AbortSignal.any([signal, watching.signal])
      const ended = own.run([program, 'status', '--watch'], { signal: end }).catch(() => {})
      try {
        return await use()
      } finally {
        watching.abort()
        await ended
      }
    },
    /** The first snapshot that fits, by default one of a ready stack; throws when it takes over two minutes. */
    until: (fits = ({ overall }: Snapshot) => overall === 'ready') =>
      own.until(fits, AbortSignal.any([signal, AbortSignal.timeout(settleMs)])),
    ledgerEntry: (service: LedgerEntry['service']): LedgerEntry => {
      const entry = openLedger(own.folder.ledgerPath).find(service)
      if (entry === null) throw new Error(`the ledger does not name ${service}`)
      return entry
    },
    reset,
    remove: async () => {
      await reset()
      await own.remove()
    },
  }
}

const readClientKey = (keysDir: string): string => {
  const list = readKeyList(keysDir)
  const key = list === null ? null : defaultClientKey(list)
  if (key === null) throw new Error(`no developer has a key in ${keysDir}`)
  return key
}
