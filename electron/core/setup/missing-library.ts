// Parses the dynamic linker's error about a missing library, and knows the Debian package that has it.

const debianPackages: Readonly<Record<string, string>> = {
  'libgomp.so.1': 'libgomp1',
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libvulkan.so.1': 'libvulkan1',
}

/** `debianPackage` null: unknown. glibc: `PROGRAM: error while loading shared libraries: libgomp.so.1: cannot open shared object file: ...`; else null. */
export const missingLibrary = (output: string) => {
  const library = /error while loading shared libraries: ([^:\s]+): cannot open shared object file/.exec(
    output,
  )?.[1]
  return library === undefined ? null : { library, debianPackage: debianPackages[library] ?? null }
}
