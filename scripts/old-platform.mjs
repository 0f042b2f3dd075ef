// Comes first in the compatibility build's bundles: polyfills for Chromium 83 and Node 12.
import 'core-js/es'
import 'core-js/web/structured-clone'
