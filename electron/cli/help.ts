// What `nexus help` prints.
import { usageOf } from './arguments.ts'

export const helpText =
  (): string => `Opta Nexus runs a local AI and build stack: the Build Forge (RAM disk), the AI Engine (llama-server)
  and the Router (LiteLLM, which serves Anthropic's API).

Start and stop
  ${usageOf('up')}
      set up what is missing, start, and wait for the answer to a Claude request
      (--replace-foreign: first end a llama-server or LiteLLM on our ports that Nexus did not start)
  ${usageOf('down')}
      stop; running requests get some time to finish (--now: none); the RAM disk stays unless --eject
  ${usageOf('restart')}
      running requests get some time to finish (--now: none)

Look
  ${usageOf('status')}
  ${usageOf('logs')}
  ${usageOf('plan')}
      does it fit: the memory map, the exact command lines and the reason for each flag
      (--memory-gb: for a machine of that size; --model, --draft: for these files, headers are enough)
  ${usageOf('models')}
      known models on this machine: whether they fit, context per agent, first turn and speed, with sources
      (--memory-gb: on a Mac of that size; up --model NAME runs one)
  ${usageOf('doctor')}
      every check, with the command that fixes what it finds
  ${usageOf('selfcheck')}
      test what Nexus assumes about this machine with temporary parts of its own, and keep the raw output in a
      folder for a developer (--large: also 10 GB on a RAM disk; --as agent: as a launchd job;
      --as daemon: print the commands for root)
  ${usageOf('app')}
      open the menu-bar app (from a clone: with an Electron that it downloads, or the one in NEXUS_ELECTRON)

Connect
  ${usageOf('clients')}
      the lines that each developer pastes into a shell; for one developer also Claude Code's settings, each line
      explained, SSH, Jump Desktop and the name ai.opta.local
      (--test: test each hop from a client to the model and say where it breaks; on a client's machine it needs only
      ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY, or --url and --key-file; --apply: write Claude Code's settings for
      you, with a backup, and replace your own values only with --force; --undo: remove them again)
  ${usageOf('key')}
      one key for each developer; the Router accepts it from the next request on
  ${usageOf('agents-file')}
      what agents must know about this machine (slots, context, waiting, builds), printed or kept up to date in a file
      such as CLAUDE.md, between marks; --check: exit code 1 when a file is out of date
  ${usageOf('traefik')}
      the configuration for your own Traefik to serve http://ai.opta.local; --dir writes it
      (with "gateway": { "listen": ":80" } in the profile, Nexus runs one itself)
  ${usageOf('model')}
      models from Hugging Face, checked by hash; the core downloads them, so a closed terminal, a lost connection or
      a reboot only interrupts the download; models of other programs are used in place
      (HF_TOKEN for gated models, HF_ENDPOINT for a mirror)
  ${usageOf('forge')}
      cargo builds on the RAM disk: for all your projects (enable) or some (enable DIR ...), and back
      (disable); the size of each workspace (status); make room (clean WORKSPACE, --unused DAYS, --all)
      (hook: for a shell's startup file; warns when builds go elsewhere)
  ${usageOf('bench')}
      measure the model at several batch sizes (-b): prefill, generation, drafts, and a stream beside a prefill;
      recommends one (--yes: stop a running AI Engine meanwhile, and restore it afterwards)
  ${usageOf('try-claude')}
      run the real Claude Code through the running stack, or through a temporary demo stack, and report each step
      (--all: on a running stack also fill all slots and restart the Router; --keep: leave the demo stack running)
  ${usageOf('serve')}
      host the core in the foreground (launchd, systemd); it restores what was running
      (--wait: take over when the current core ends)
  ${usageOf('service')}
      let launchd or systemd host the core, so that the stack comes back after a reboot
  ${usageOf('config-schema')}
      print the JSON schema of the config file

Services: ramDisk (Build Forge), llamaServer (AI Engine), proxy (Router)
Exit codes: 0 done, 1 failed, 2 usage, 3 not running
`
