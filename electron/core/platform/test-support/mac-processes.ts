// Stands in for ps and lsof on a pretended Mac, about its own processes and, where wanted, about those of this very system:
// what a test starts for real is then seen as macOS would show it. Beside each form stands what it was taken from.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { print, type Reply, refuse } from './mac-reply.ts'
import type { TestMacState, TestProcess } from './mac-state.ts'

const attempt = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch {
    return null
  }
}

/** /proc/PID/stat counts the start in hundredths of a second since boot (proc_pid_stat(5), USER_HZ). */
const readReal = (pid: number): TestProcess | null =>
  attempt(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1])
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
    return {
      pid,
      parentPid: Number(words[1]),
      groupId: Number(words[2]),
      state: words[0] ?? '?',
      startedAtMs: (bootSeconds + Math.floor(Number(words[19]) / 100)) * 1000,
      residentKibibytes: Number(words[21]) * 4,
      path: argv[0] ?? '',
      command: argv.join(' '),
    }
  })

const listReal = (): readonly TestProcess[] =>
  readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readReal(Number(name)) ?? []) : []))

/**
 * ps/lstart-n-command.txt and lstart-one-process-2026.txt: 24 characters, padded to 28. That LC_ALL=C and TZ=UTC make it so
 * is assumed.
 */
const sayStart = (ms: number): string => {
  const [, day, date, month, year, time] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(ms).toUTCString()) ?? []
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`.padEnd(28)
}

/**
 * Apple's ps writes each byte beyond ASCII through strvis(3) in the C locale: "é" is `M-CM-)` (adv_cmds, ps/print.c; a measured table
 * in id 71195875344).
 */
const sayBytes = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      if (byte < 0x80) return String.fromCharCode(byte)
      if (byte === 0xa0) return '\\240'
      return byte < 0xa0 ? `M^${String.fromCharCode(byte - 0x40)}` : `M-${String.fromCharCode(byte - 0x80)}`
    })
    .join('')

/**
 * Widths after ps/lstart-one-process-2026.txt (pid, ppid) and ps/pid-rss-pcpu-comm-noheader.txt (rss, comm); of pgid and
 * stat assumed, after ps(1). comm is argv[0], without a path where it was started without one (public reports; no recording
 * is at hand).
 */
const sayColumn = (process: TestProcess, column: string): string => {
  switch (column) {
    case 'pid':
      return String(process.pid).padStart(5)
    case 'ppid':
      return String(process.parentPid).padStart(5)
    case 'pgid':
      return String(process.groupId).padStart(5)
    case 'stat':
      return process.state.padEnd(4)
    case 'lstart':
      return sayStart(process.startedAtMs)
    case 'rss':
      return String(process.residentKibibytes).padStart(6)
    case 'comm':
      return sayBytes(process.path)
    default:
      return sayBytes(process.command)
  }
}

/**
 * Columns are asked for as `-o pid= -o comm=` or `-o pid=,comm=`: on other BSDs the latter is one column with the title
 * ",comm=", Apple's ps splits at the comma (adv_cmds, ps/keyword.c, under __APPLE__). Exit status 1 when no process is found
 * (ps(1)).
 */
export const showProcesses = (state: TestMacState, args: readonly string[]): Reply => {
  const columns = args.flatMap((word, index) => (/o$/.test(args[index - 1] ?? '') ? word.split(',') : []))
  const wanted = args.includes('-p') ? (args[args.indexOf('-p') + 1] ?? '').split(',').map(Number) : null
  const real = !state.seesRealProcesses
    ? []
    : wanted === null
      ? listReal()
      : wanted.flatMap((pid) => readReal(pid) ?? [])
  const found = [
    ...state.processes.filter(({ pid }) => wanted?.includes(pid) ?? true),
    ...real.filter(({ pid }) => !state.processes.some((process) => process.pid === pid)),
  ]
  if (found.length === 0) return refuse(1, '')
  return print(
    found
      .map((process) => `${columns.map((name) => sayColumn(process, name.replace('=', ''))).join(' ')}\n`)
      .join(''),
  )
}

/** Sockets that listen on a port: /proc/net/tcp has their inodes, with state 0A (include/net/tcp_states.h). */
const listInodes = (port: number): ReadonlySet<string> =>
  new Set(
    ['tcp', 'tcp6'].flatMap((name) =>
      (attempt(() => readFileSync(`/proc/net/${name}`, 'utf8')) ?? '').split('\n').flatMap((line) => {
        const words = line.trim().split(/\s+/)
        const isHere = Number.parseInt(words[1]?.split(':')[1] ?? '', 16) === port && words[3] === '0A'
        return isHere ? (words[9] ?? []) : []
      }),
    ),
  )

/**
 * lsof/fields-pcn-iTCP-2026.txt, with the `f` lines that come unasked; `L` and exit status 1 with nothing found after
 * lsof(8).
 */
export const showListeners = (state: TestMacState, args: readonly string[]): Reply => {
  const port = Number(/^-iTCP:(\d+)$/.exec(args.find((word) => word.startsWith('-iTCP:')) ?? '')?.[1])
  const inodes = state.seesRealProcesses ? listInodes(port) : new Set<string>()
  if (inodes.size === 0) return refuse(1, '')
  const lines = listReal().flatMap(({ pid, path }) => {
    const sockets = (attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []).filter((fd) => {
      const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? ''
      return inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')
    })
    if (sockets.length === 0) return []
    const name = path.slice(path.lastIndexOf('/') + 1)
    return [`p${pid}`, `c${name}`, 'Lana', ...sockets.flatMap((fd) => [`f${fd}`, `n127.0.0.1:${port}`])]
  })
  return lines.length === 0 ? refuse(1, '') : print(`${lines.join('\n')}\n`)
}
