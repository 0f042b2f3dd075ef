// Limits the depth of foreign JSON before anything recurses into it. Pure.

/** Our deepest document, a settings answer, has about ten levels. */
export const maxJsonDepth = 100

/**
 * Like JSON.parse, but throws a readable Error for a document nested deeper than `maxJsonDepth`: V8 parses 200,000 nested
 * arrays, and the first function that walks through them fails with "Maximum call stack size exceeded".
 */
export const parseBoundedJson = (text: string): unknown => {
  const place = findTooDeep(text)
  if (place !== null) throw new Error(`nested deeper than ${maxJsonDepth} levels, at character ${place + 1}`)
  return JSON.parse(text)
}

/** Index of the first bracket that is too deep; null: none. */
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
