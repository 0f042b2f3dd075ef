// Separate homes for the tried clients: the user's own Claude Code is neither read nor written.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePrivateFile } from '../base/private-file.ts'

export interface ClaudeHome {
  readonly configDir: string
  readonly homeDir: string
  readonly projectDir: string
}

export type ClaudeHomes = ReturnType<typeof createClaudeHomes>

export const createClaudeHomes = () => {
  const root = mkdtempSync(join(tmpdir(), 'nexus-claude-'))
  let count = 0
  return {
    /** A developer at their own machine, with this settings.json. Each call makes a new home. */
    add: (settings: string): ClaudeHome => {
      count += 1
      const homeDir = join(root, `developer-${count}`)
      const home = { homeDir, configDir: join(homeDir, '.claude'), projectDir: join(homeDir, 'project') }
      mkdirSync(home.configDir, { recursive: true, mode: 0o700 })
      mkdirSync(home.projectDir)
      writePrivateFile(join(home.configDir, 'settings.json'), settings)
      return home
    },
    // A client that has just been ended may still be writing its history.
    dispose: () => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}
