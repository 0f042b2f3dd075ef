// What no program can try: printed at the end, each with the command to run afterwards.

export const listByHand = (platform: 'darwin' | 'linux'): readonly string[] =>
  platform === 'darwin'
    ? [
        'Start the same from the other ways: in Terminal "nexus selfcheck"; from another machine "ssh HOST nexus selfcheck"; "nexus selfcheck --as agent"; "nexus selfcheck --as daemon" prints what root has to run.',
        'From another machine, over SSH with nobody logged in at the screen: nexus selfcheck.',
        'nexus up, then quit Terminal (Cmd-Q), wait a minute, open it again: nexus status must still say ready. The same after quitting the app, after Force Quit of it, and after it was switched off in System Settings, General, Login Items & Extensions.',
        'nexus up, log out, log in again: nexus status, then nexus clients --test (a GPU of a dead login session answers /health but no request).',
        'nexus service install, reboot: nexus status. The same with the daemon that it prints, with nobody logged in.',
        'brew upgrade node (or reinstall it): nexus service status, then nexus doctor.',
        'From another machine, without a key: curl -s -o /dev/null -w "%{http_code}\\n" -X POST http://STUDIO:4000/v1/messages must print 401.',
        'As a second user of this Mac: ls -l /Volumes/BuildForge and touch a file there; then nexus status.',
        'nexus app: a notification arrives, the window opens under the icon, "Open at login" survives a logout, and Quit ends within 10 s.',
        'An app from a downloaded dmg: open it, and if it is called damaged: xattr -dr com.apple.quarantine "/Applications/Opta Nexus.app"',
      ]
    : [
        'Reboot with nexus service install done: nexus status must say ready again.',
        'From another machine, without a key: curl -s -o /dev/null -w "%{http_code}\\n" -X POST http://HOST:4000/v1/messages must print 401.',
      ]
