// Following the config file as it is edited, broken, and fixed.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Config } from '../../contract/config.ts'
import { defaultConfig, writeConfig } from './config.ts'
import { followConfig } from './follow-config.ts'
import { locateStateFolder, type StateFolder } from './state-folder.ts'

let home: string
let folder: StateFolder
let stop = () => {}
let seen: Config['menuBarText'][]
let told = () => {}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nexus-config-'))
  folder = locateStateFolder({ NEXUS_HOME: home }, process.platform, home)
  seen = []
})
afterEach(() => {
  stop()
  rmSync(home, { recursive: true, force: true })
})

const follow = () => {
  stop = followConfig(folder, ({ menuBarText }) => {
    seen.push(menuBarText)
    told()
  })
}
const until = async (text: Config['menuBarText']): Promise<void> => {
  while (seen.at(-1) !== text) {
    await new Promise<void>((resolve) => {
      told = resolve
    })
  }
}

it('reports the current one immediately, and each later one', async () => {
  follow()
  expect(seen).toEqual([defaultConfig.menuBarText])
  writeConfig(folder.configPath, { ...defaultConfig, menuBarText: 'none' })
  await until('none')
  writeConfig(folder.configPath, { ...defaultConfig, menuBarText: 'slots' })
  await until('slots')
})

it('reports a change in the file behind a link', async () => {
  const dotfiles = join(home, 'dotfiles')
  mkdirSync(dotfiles)
  const real = join(dotfiles, 'nexus.json')
  writeConfig(real, { ...defaultConfig, menuBarText: 'none' })
  symlinkSync(real, folder.configPath)
  follow()
  expect(seen).toEqual(['none'])
  writeConfig(real, { ...defaultConfig, menuBarText: 'slots' })
  await until('slots')
})

it('uses the last good one while the file is broken', async () => {
  writeConfig(folder.configPath, { ...defaultConfig, menuBarText: 'none' })
  follow()
  expect(seen).toEqual(['none'])
  writeFileSync(folder.configPath, '{ "menuBarText": ')
  writeConfig(folder.configPath, { ...defaultConfig, menuBarText: 'slots' })
  await until('slots')
  expect(new Set(seen)).toEqual(new Set(['none', 'slots']))
  stop()
  writeFileSync(folder.configPath, 'broken')
  follow()
  expect(seen.at(-1)).toBe('slots')
})
