// Formats bytes in binary units, as memory is sold and as llama.cpp logs them.

const kibibyte = 1024

export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes)
  if (size >= kibibyte ** 3) return `${(bytes / kibibyte ** 3).toFixed(2)} GiB`
  if (size >= kibibyte ** 2) return `${(bytes / kibibyte ** 2).toFixed(0)} MiB`
  return `${(bytes / kibibyte).toFixed(0)} KiB`
}

/** 131072 -> "131,072". */
export const formatCount = (count: number): string => count.toLocaleString('en-US')
