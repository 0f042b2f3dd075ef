// Sizes for display in a sentence.

export const describeMiB = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`
