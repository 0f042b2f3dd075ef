// The start without Nexus: a shell script that starts the same two servers, polls their health and sends the same message.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchStack } from './bench-stack.ts'
import type { RunningProgram } from './processes.ts'

export interface BareStart {
  readonly path: string
  /** Seconds since the epoch by stage, for the last run. */
  readTimes(): ReadonlyMap<string, number>
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** `env -i` and the folder, so that the server gets exactly what `nexus up` gave it. */
const startLines = (name: string, program: RunningProgram, logPath: string): readonly string[] => [
  `cd ${quote(program.cwd)}`,
  `env -i ${program.environment.map(quote).join(' ')} ${program.argv.map(quote).join(' ')} \\`,
  `  >>${quote(logPath)} 2>&1 </dev/null &`,
  `note ${name}`,
]

/**
 * Polls the health through Bash's own /dev/tcp: a curl per poll would take a tenth of a CPU from servers that load on two,
 * and slow this script down needlessly. The supervisor polls every 50 ms too.
 */
const pollFunction = `
is_healthy() {
  local line=
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET %s HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' "$2" >&3
  read -r line <&3 || :
  exec 3>&-
  case $line in *' 200 '*) return 0 ;; *) return 1 ;; esac
}
until_healthy() { until is_healthy "$1" "$2"; do sleep 0.05; done; }`

export const writeBareStart = (
  stack: BenchStack,
  programs: { readonly llamaServer: RunningProgram; readonly proxy: RunningProgram },
  message: { readonly model: string; readonly maxTokens: number; readonly text: string },
): BareStart => {
  const dir = join(stack.folder.root, 'bare')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const path = join(dir, 'start.sh')
  const timesPath = join(dir, 'times')
  const body = {
    model: message.model,
    max_tokens: message.maxTokens,
    messages: [{ role: 'user', content: message.text }],
  }
  writeFileSync(join(dir, 'message.json'), JSON.stringify(body))
  const lines = [
    '#!/usr/bin/env bash',
    'set -euo pipefail',
    'export LC_ALL=C',
    `note() { echo "$1 $EPOCHREALTIME" >>${quote(timesPath)}; }`,
    `: >${quote(timesPath)}`,
    pollFunction,
    ...startLines('router-process', programs.proxy, join(dir, 'router.log')),
    ...startLines('engine-process', programs.llamaServer, join(dir, 'engine.log')),
    `until_healthy ${new URL(stack.engineUrl).port} /health`,
    'note engine-ready',
    `until_healthy ${new URL(stack.routerUrl).port} /health/liveliness`,
    'note router-ready',
    `curl -sS -f -o ${quote(join(dir, 'answer.json'))} -H 'content-type: application/json' \\`,
    `  -H 'anthropic-version: 2023-06-01' -H ${quote(`x-api-key: ${stack.clientKey()}`)} \\`,
    `  -d ${quote(`@${join(dir, 'message.json')}`)} ${quote(`${stack.routerUrl}/v1/messages`)}`,
    `grep -q '"output_tokens":[1-9]' ${quote(join(dir, 'answer.json'))}`,
    'note answered',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  chmodSync(path, 0o700)
  return {
    path,
    readTimes: () =>
      new Map(
        readFileSync(timesPath, 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => {
            const [name = '', seconds = ''] = line.split(' ')
            return [name, Number(seconds)]
          }),
      ),
  }
}
