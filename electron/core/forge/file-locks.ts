// Checks and takes flock(2) locks on files, as cargo does while it builds.
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { systemPath } from '../platform/run-command.ts'

/**
 * Node has no flock. perl is part of macOS and of every Debian (perl-base is essential there), so the same few lines work
 * and are tested on both. The check takes a shared lock and never waits: a cargo that starts at that moment says once
 * that it waits for the lock, and gets it.
 */
const askProgram = `use Fcntl ':flock';
for my $path (@ARGV) {
  my $file;
  if (!open($file, '<', $path)) { print $!{ENOENT} ? "free\\n" : "unknown\\n" }
  else { print flock($file, LOCK_SH | LOCK_NB) ? "free\\n" : $!{EWOULDBLOCK} ? "held\\n" : "unknown\\n" }
}`

const holdProgram = `use Fcntl ':flock'; $| = 1;
my @held;
for my $path (@ARGV) {
  my $file;
  if (!open($file, '<', $path)) { next if $!{ENOENT}; print "unknown\\n"; exit }
  if (!flock($file, LOCK_EX | LOCK_NB)) { print $!{EWOULDBLOCK} ? "held\\n" : "unknown\\n"; exit }
  push @held, $file;
}
print "ours\\n";
<STDIN>;`

export type LockState = 'free' | 'held' | 'unknown'

const timeoutMs = 10_000
const options = { env: { PATH: systemPath }, extendEnv: false, reject: false } as const

const toState = (word: string | undefined): LockState =>
  word === 'free' || word === 'held' ? word : 'unknown'

/** In the order of `paths`; `unknown` without permission or without perl. A missing file is free. */
export const readLocks = async (paths: readonly string[]): Promise<readonly LockState[]> => {
  if (paths.length === 0) return []
  const { stdout } = await execa('perl', ['-e', askProgram, '--', ...paths], {
    ...options,
    stdin: 'ignore',
    timeout: timeoutMs,
  })
  const words = stdout.split('\n')
  return paths.map((_, index) => toState(words[index]))
}

/** Runs `work` while holding these locks. `held` or `unknown`: it could not get them and did not run `work`. */
export const withLocks = async (
  paths: readonly string[],
  work: () => Promise<void>,
): Promise<'done' | 'held' | 'unknown'> => {
  const child = execa('perl', ['-e', holdProgram, '--', ...paths], options)
  try {
    const answer = await firstLine(child.stdout)
    if (answer !== 'ours') return answer === 'held' ? 'held' : 'unknown'
    await work()
    return 'done'
  } finally {
    child.stdin.end()
    await child
  }
}

/** null when it ends without one. Not `for await`: leaving that loop waits for a program that waits for us. */
const firstLine = (stream: Readable): Promise<string | null> =>
  new Promise((resolve) => {
    const lines = createInterface({ input: stream })
    lines.once('line', resolve)
    lines.once('close', () => resolve(null))
  })
