// Checks that only a person can do, each with the command to run afterwards. Printed at the end.

export const listByHand = (platform: 'darwin' | 'linux'): readonly string[] =>
  platform === 'darwin'
    ? [
        'Run the selfcheck in the other ways: in Terminal "nexus selfcheck"; from another machine "ssh HOST nexus selfcheck"; "nexus selfcheck --as agent"; "nexus selfcheck --as daemon" prints the commands for root.',
        'From another machine, over SSH while no user is logged in at the screen: nexus selfcheck.',
        'nexus up, then quit Terminal (Cmd-Q), wait a minute, open it again: nexus status must still say ready. Repeat after quitting the app, after a Force Quit, and after switching it off in System Settings, General, Login Items & Extensions.',
        'nexus up, log out, log in again: nexus status, then nexus clients --test (a GPU of a dead login session answers /health but no request).',
        'nexus service install, reboot: nexus status. Repeat with the daemon that it prints, while no user is logged in.',
        'brew upgrade node (or reinstall it): nexus service status, then nexus doctor.',
        'From another machine, without a key: curl -s -o /dev/null -w "%{http_code}\\n" -X POST http://STUDIO:4000/v1/messages must print 401.',
        'As a second user of this Mac: ls -l /Volumes/BuildForge and touch a file there; then run nexus status.',
        'nexus app: a notification arrives, the window opens under the icon, "Open at login" survives a logout, and Quit ends within 10 s.',
        'An app from a downloaded dmg: open it, and if it is called damaged: xattr -dr com.apple.quarantine "/Applications/Opta Nexus.app"',
      ]
    : [
        'Reboot with nexus service install done: nexus status must say ready again.',
        'From another machine, without a key: curl -s -o /dev/null -w "%{http_code}\\n" -X POST http://HOST:4000/v1/messages must print 401.',
      ]
