// Packages the app for this platform. Started by scripts/package.
import { join } from 'node:path'
import { readPinnedElectronVersion } from '../electron/cli/electron-program.ts'
import { messageOf } from '../electron/core/base/error-message.ts'
import { entitlementsOf, packageApp, signingOf } from './app-package.ts'

const root = process.env['NEXUS_ROOT']
if (root === undefined) throw new Error('package the app with scripts/package')

try {
  await packageApp(root, {
    target: process.platform === 'darwin' ? 'mac' : 'linux-dir',
    config: {
      electronVersion: readPinnedElectronVersion(join(root, 'node_modules')),
      mac: { ...signingOf(process.env), ...entitlementsOf(root) },
    },
  })
} catch (error) {
  console.error(`package: ${messageOf(error)}`)
  process.exitCode = 1
}
