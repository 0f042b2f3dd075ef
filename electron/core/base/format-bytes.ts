// Formats bytes in binary units, as memory is sold and as llama.cpp logs them.

const kibibyte = 1024
export const mebibyte = 1024 ** 2
export const gibibyte = 1024 ** 3

export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes)
  if (size >= gibibyte) return `${(bytes / gibibyte).toFixed(2)} GiB`
  if (size >= mebibyte) return `${(bytes / mebibyte).toFixed(0)} MiB`
  return `${(bytes / kibibyte).toFixed(0)} KiB`
}

/** 131072 -> "131,072". */
export const formatCount = (count: number): string => count.toLocaleString('en-US')
