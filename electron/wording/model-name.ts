// A model's everyday name, from its file name. Pure.

/** The suffix of llama.cpp's gguf-split for the parts of one model. */
const splitPart = /-\d{5}-of-\d{5}$/

/** Characters kept at the end: size and quantization, such as "70B-Q8_0". */
export const keptEnd = 10

/**
 * "DeepSeek-R1-Distill-Llama-70B-Q8_0" from its path; a name longer than `most` characters (12 or more) loses its middle,
 * since size and quantization are at the end.
 */
export const nameModel = (path: string, most = Number.POSITIVE_INFINITY): string => {
  const file = path.slice(path.lastIndexOf('/') + 1)
  const name = file.replace(/\.gguf$/i, '').replace(splitPart, '')
  if (name.length <= most) return name
  return `${name.slice(0, most - keptEnd - 1)}…${name.slice(-keptEnd)}`
}
