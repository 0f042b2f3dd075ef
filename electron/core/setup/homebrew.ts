// What only a person can install on a Mac, named in one command.

/** Homebrew's names for the programs that set-up cannot bring along on macOS. */
const formulae = { python: 'python@3.13', llamaServer: 'llama.cpp' } as const
export type HomebrewProgram = keyof typeof formulae

/** The command that installs all of them. Its twin for bash is how_to_install_npm in scripts/setup-clone.sh. */
export const brewInstall = (programs: readonly HomebrewProgram[]): string =>
  `brew install ${programs.map((program) => formulae[program]).join(' ')}`
