// Builds the app from the command line: node out/build-app.mjs VARIANT ...     Started by scripts/setup-clone.sh.
import { type AppVariant, appVariants, buildApp } from './app-build.ts'

const root = process.env['NEXUS_ROOT']
if (root === undefined) throw new Error('build the app with scripts/nexus app or scripts/package')

const isAppVariant = (word: string): word is AppVariant => Object.hasOwn(appVariants, word)

for (const word of process.argv.slice(2)) {
  if (!isAppVariant(word)) throw new Error(`found "${word}"; allowed: ${Object.keys(appVariants).join(', ')}`)
  await buildApp(root, word)
}
