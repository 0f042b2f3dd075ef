// JSON that others wrote, before anything recurses into it. Pure.

/** The deepest document of ours, a settings answer, has some ten. */
export const maxJsonDepth = 100

/**
 * As JSON.parse, but a document nested deeper than `maxJsonDepth` is refused in words: V8 parses 200,000 nested arrays
 * without a murmur, and the first function that walks through them ends with "Maximum call stack size exceeded".
 */
export const parseBoundedJson = (text: string): unknown => {
  const place = findTooDeep(text)
  if (place !== null) throw new Error(`nested deeper than ${maxJsonDepth} levels, at character ${place + 1}`)
  return JSON.parse(text)
}

/** Where the first bracket too many stands; null: nowhere. */
const findTooDeep = (text: string): number | null => {
  let depth = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (isInString) {
      if (character === '\\') at += 1
      else if (character === '"') isInString = false
    } else if (character === '"') isInString = true
    else if (character === '[' || character === '{') {
      depth += 1
      if (depth > maxJsonDepth) return at
    } else if (character === ']' || character === '}') depth -= 1
  }
  return null
}
