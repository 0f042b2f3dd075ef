// First in the compatibility build's bundles: what JavaScript has learned since Chromium 83 and Node 12.
import 'core-js/es'
import 'core-js/web/structured-clone'
