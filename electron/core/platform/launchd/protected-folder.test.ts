import { expect, it } from 'vitest'
import { describeProtectedFolder } from './protected-folder.ts'

it.each([
  ['/Users/ana/Documents/opta-nexus/scripts/nexus', '/Users/ana/Documents'],
  ['/Users/ana/Desktop/n/scripts/nexus', '/Users/ana/Desktop'],
  ['/Users/ana/Library/Mobile Documents/com~apple~CloudDocs/n/nexus', '/Users/ana/Library/Mobile Documents'],
])('warns of %s', (path, folder) => {
  expect(describeProtectedFolder([path, 'serve'], '/Users/ana')).toEqual([
    expect.stringContaining(`${folder},`),
  ])
})

it.each([
  '/Users/ana/DocumentsOld/n',
  '/Users/ana/src/nexus',
  '/Users/eva/Documents/n',
  '/Applications/Opta Nexus.app/x',
])('is silent about %s', (path) => {
  expect(describeProtectedFolder([path], '/Users/ana')).toEqual([])
})
