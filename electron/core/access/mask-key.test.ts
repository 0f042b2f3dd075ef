// The owner recognises a masked key; it is useless to anyone else.
import { expect, it } from 'vitest'
import { maskKey } from './mask-key.ts'

it.each([
  ['sk-opta-cQwIJ3WhkT8dhpE5h1KFbgZLl2VkExP0', 'sk-opta-…ExP0'],
  ['sk-local-opta', 'sk-…'],
  ['12345678', '…'],
])('%s is shown as %s', (key, shown) => {
  expect(maskKey(key)).toBe(shown)
})
