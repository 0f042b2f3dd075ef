// What scripts/build-app.ts writes into the bundles of the app in place of a name.

/**
 * Whether this build can host a core. false in the compatibility build, whose Electron is too old for it (no node:sqlite):
 * what is imported behind `if (__HOSTS_CORE__)` is left out there. Exists only in the app's bundles.
 */
declare const __HOSTS_CORE__: boolean
