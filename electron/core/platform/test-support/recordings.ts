// Recorded outputs from public material: read where they are, never copied into the project.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env['NEXUS_FIXTURES'] ?? '../shared/fixtures'

export const hasRecordings = existsSync(folder)

export const readRecording = (path: string): string => readFileSync(join(folder, path), 'utf8')

export const listRecordings = (command: string): readonly string[] =>
  hasRecordings ? readdirSync(join(folder, command)).map((name) => `${command}/${name}`) : []
