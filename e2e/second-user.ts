// Test support: the real `nexus` of another user of this machine, which only root can be.
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, collectResult } from './nexus-command.ts'

export const canBeAnotherUser = process.getuid?.() === 0

const root = join(import.meta.dirname, '..')

export interface SecondUser {
  run(...words: string[]): Promise<CommandResult>
}

export interface SecondUsers {
  /** With their own homes. Unused ids work too. */
  add(ids: { readonly uid: number; readonly gid: number }, env: Readonly<Record<string, string>>): SecondUser
  dispose(): void
}

/** The clone and what set-up installed may lie where only their owner can read: Node, bundle and resources are copied. */
export const createSecondUsers = (): SecondUsers => {
  const dir = mkdtempSync(join(tmpdir(), 'nexus-users-'))
  chmodSync(dir, 0o755)
  const place = (...names: string[]) => join(dir, ...names)
  mkdirSync(place('out'))
  copyFileSync(process.execPath, place('node'))
  chmodSync(place('node'), 0o755)
  for (const name of [join('out', 'nexus.mjs'), 'package.json']) {
    copyFileSync(join(root, name), place(name))
    chmodSync(place(name), 0o644)
  }
  cpSync(join(root, 'resources'), place('resources'), { recursive: true })
  return {
    add: ({ uid, gid }, env) => {
      const home = mkdtempSync(place('home-'))
      chownSync(home, uid, gid)
      return {
        run: (...words) =>
          collectResult(
            spawn(
              place('node'),
              ['--disable-warning=ExperimentalWarning', place('out', 'nexus.mjs'), ...words],
              {
                // As its own groups alone: libuv gives up root's first.
                uid,
                gid,
                cwd: '/',
                env: {
                  PATH: '/usr/bin:/bin',
                  HOME: home,
                  NEXUS_HOME: join(home, 'state'),
                  NEXUS_ROOT: dir,
                  ...env,
                },
                stdio: ['ignore', 'pipe', 'pipe'],
              },
            ),
          ),
      }
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  }
}
