// Homes of their own for tried clients: nothing of the person's own Claude Code is read or written.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePrivateFile } from '../base/private-file.ts'

export interface ClaudeHome {
  readonly configDir: string
  readonly homeDir: string
  readonly projectDir: string
}

export interface ClaudeHomes {
  /** A developer at their own machine, with this settings.json. Each call makes another. */
  add(settings: string): ClaudeHome
  dispose(): void
}

export const createClaudeHomes = (): ClaudeHomes => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-claude-'))
  let count = 0
  return {
    add: (settings) => {
      count += 1
      const homeDir = join(root, `developer-${count}`)
      const home = { homeDir, configDir: join(homeDir, '.claude'), projectDir: join(homeDir, 'project') }
      mkdirSync(home.configDir, { recursive: true, mode: 0o700 })
      mkdirSync(home.projectDir)
      writePrivateFile(join(home.configDir, 'settings.json'), settings)
      return home
    },
    // A client that was ended a moment ago may still be writing its history.
    dispose: () => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}
