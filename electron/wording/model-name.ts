// What people call a model, from its file's name. Pure.

/** llama.cpp's gguf-split names the parts of one model so. */
const splitPart = /-\d{5}-of-\d{5}$/

/** Characters kept whole at the end: how large the model is and how it is quantized, such as "70B-Q8_0". */
export const keptEnd = 10

/**
 * "DeepSeek-R1-Distill-Llama-70B-Q8_0" of a path to it; a name longer than `most` characters (12 or more) loses its middle,
 * since size and quantization stand at the end.
 */
export const nameModel = (path: string, most = Number.POSITIVE_INFINITY): string => {
  const file = path.slice(path.lastIndexOf('/') + 1)
  const name = file.replace(/\.gguf$/i, '').replace(splitPart, '')
  if (name.length <= most) return name
  return `${name.slice(0, most - keptEnd - 1)}…${name.slice(-keptEnd)}`
}
