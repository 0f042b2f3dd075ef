// The folders and files of an Electron for macOS without its programs: enough for electron-builder to make a bundle of.
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { shippedFuseWire } from './fuse-wire.ts'

const helpers = ['', ' (GPU)', ' (Plugin)', ' (Renderer)'].map((kind) => `Electron Helper${kind}`)

/** Writes it into `dir`, which must not exist. */
export const makeMacElectron = (dir: string, version: string): void => {
  const app = join(dir, 'Electron.app')
  makeBundle(app, 'Electron', 'com.github.Electron')
  const frameworks = join(app, 'Contents', 'Frameworks')
  for (const helper of helpers)
    makeBundle(join(frameworks, `${helper}.app`), helper, 'com.github.Electron.helper')
  const framework = join(frameworks, 'Electron Framework.framework')
  mkdirSync(join(framework, 'Versions', 'A'), { recursive: true })
  writeFileSync(join(framework, 'Versions', 'A', 'Electron Framework'), shippedFuseWire)
  symlinkSync('A', join(framework, 'Versions', 'Current'))
  symlinkSync('Versions/A/Electron Framework', join(framework, 'Electron Framework'))
  for (const language of ['en', 'de']) {
    for (const place of [join(app, 'Contents'), join(framework, 'Versions', 'A')]) {
      const folder = join(place, 'Resources', `${language}.lproj`)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'locale.pak'), '')
    }
  }
  for (const name of ['LICENSE', 'LICENSES.chromium.html']) writeFileSync(join(dir, name), '')
  writeFileSync(join(dir, 'version'), version)
}

const makeBundle = (path: string, name: string, identifier: string): void => {
  for (const folder of ['MacOS', 'Resources']) mkdirSync(join(path, 'Contents', folder), { recursive: true })
  const program = join(path, 'Contents', 'MacOS', name)
  writeFileSync(program, '')
  chmodSync(program, 0o755)
  const values = { CFBundleExecutable: name, CFBundleIdentifier: identifier, CFBundleName: name }
  const entries = Object.entries(values).map(([key, value]) => `<key>${key}</key><string>${value}</string>`)
  writeFileSync(
    join(path, 'Contents', 'Info.plist'),
    `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>${entries.join('')}</dict></plist>`,
  )
}
