// Writes resources/icons from the drawings in scripts/icons: node scripts/make-icons.ts
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { iconFiles } from './icon-files.ts'

const dir = join(import.meta.dirname, '..', 'resources', 'icons')
mkdirSync(dir, { recursive: true })
for (const file of iconFiles) writeFileSync(join(dir, file.name), file.content())
