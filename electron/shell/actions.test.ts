// What may be opened outside: constants.
import { expect, it } from 'vitest'
import { pageAddress } from './actions.ts'

it('knows each page by name, and which system has it', () => {
  expect(pageAddress('llama-server-help', 'linux')).toMatch(/^https:\/\/github\.com\//)
  expect(pageAddress('login-items', 'darwin')).toMatch(/^x-apple\.systempreferences:/)
  expect(pageAddress('login-items', 'linux')).toBeNull()
  expect(pageAddress('notification-settings', 'linux')).toBeNull()
})
