// The command for programs that only the user can install on a Mac.

/** Homebrew's names of the programs that set-up can't install on macOS. */
const formulae = { python: 'python@3.13', llamaServer: 'llama.cpp' } as const
export type HomebrewProgram = keyof typeof formulae

/** The command that installs all of them. Its counterpart in bash is how_to_install_npm in scripts/setup-clone.sh. */
export const brewInstall = (programs: readonly HomebrewProgram[]): string =>
  `brew install ${programs.map((program) => formulae[program]).join(' ')}`
