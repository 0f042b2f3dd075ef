// Builds the app from the command line: node out/build-app.mjs VARIANT ...     Started by scripts/setup-clone.sh.
import { buildApp } from './app-build.ts'
import { appVariants, isAppVariant } from './app-variants.ts'

const root = process.env['NEXUS_ROOT']
if (root === undefined) throw new Error('build the app with scripts/nexus app or scripts/package')

for (const word of process.argv.slice(2)) {
  if (!isAppVariant(word)) throw new Error(`found "${word}"; allowed: ${Object.keys(appVariants).join(', ')}`)
  await buildApp(root, word)
}
