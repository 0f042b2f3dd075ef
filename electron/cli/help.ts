// What `nexus help` prints.
import { usageOf } from './arguments.ts'

export const helpText =
  (): string => `Opta Nexus owns a local AI and build stack: the Build Forge (RAM disk), the AI Engine (llama-server)
and the Router (LiteLLM, which answers Anthropic's API).

Start and stop
  ${usageOf('up')}
      set up what is missing, start, wait until a Claude request was answered
      (--replace-foreign: ends a llama-server or LiteLLM of somebody else on our ports first)
  ${usageOf('down')}
      stop; running requests may finish for a while (--now: not); the RAM disk stays unless --eject
  ${usageOf('restart')}
      running requests may finish for a while (--now: not)

Look
  ${usageOf('status')}
  ${usageOf('logs')}
  ${usageOf('plan')}
      will it fit: the memory map, the exact command lines and why each flag is there
      (--memory-gb: for a machine of that size; --model, --draft: for these files, headers suffice)
  ${usageOf('models')}
      the models that were judged, for this machine: fits, context of each agent, first turn and speed with their source
      (--memory-gb: for a Mac of that size; up --model NAME runs one)
  ${usageOf('doctor')}
      every check, and the command that mends it
  ${usageOf('selfcheck')}
      tries what Nexus assumes of this machine, with parts of its own that it removes again, and keeps what was
      really printed in a folder for a developer (--large: also 10 GB on a RAM disk; --as agent: as a job of launchd;
      --as daemon: prints what root has to run)
  ${usageOf('app')}
      open the menu-bar app (from a clone: with an Electron that it fetches, or that NEXUS_ELECTRON names)

Connect
  ${usageOf('clients')}
      what each developer pastes into their shell; for one developer also Claude Code's settings, each line
      explained, SSH, Jump Desktop and the name ai.opta.local
      (--test: walks the way from a client to the model and says where it ends; on a client's machine it needs only
      ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY, or --url and --key-file; --apply: writes Claude Code's settings for
      you, with a backup beside them and never over values of your own unless --force; --undo: takes them out again)
  ${usageOf('key')}
      one key for each developer, known to the Router from its next request on
  ${usageOf('agents-file')}
      what agents must know about this machine (slots, context, waiting, builds), shown or kept up to date in a file
      such as CLAUDE.md, between marks; --check: exit code 1 when a file says something else than what holds
  ${usageOf('traefik')}
      the configuration with which your own Traefik serves http://ai.opta.local; --dir writes it
      ("gateway": { "listen": ":80" } in the profile has Nexus run one)
  ${usageOf('model')}
      models from Hugging Face: fetched by the core, so that closing this terminal, a lost line or a reboot only
      interrupts it, and checked by their hash; what other programs have already is used where it lies
      (HF_TOKEN for gated models, HF_ENDPOINT for a mirror)
  ${usageOf('forge')}
      cargo's builds on the RAM disk: for all your projects (enable) or some (enable DIR ...), and undone
      (disable); what each workspace holds (status); make room (clean WORKSPACE, --unused DAYS, --all)
      (hook: for a shell's start file; says when builds go elsewhere)
  ${usageOf('bench')}
      what the model does at several batch sizes (-b): prefill, generation, drafts, and a stream beside a prefill;
      recommends one (--yes: an AI Engine that runs stops for it, and then runs as before)
  ${usageOf('try-claude')}
      the real Claude Code through the stack that runs, or through a demo stack of its own that it then removes: step
      by step what worked (--all: on a running stack also what takes all slots or restarts the Router; --keep: leave
      the demo stack running)
  ${usageOf('serve')}
      host the core in the foreground (launchd, systemd); it brings back what was running
      (--wait: after the core that runs now, whenever that ends)
  ${usageOf('service')}
      have launchd or systemd host the core, so that the stack comes back after a reboot
  ${usageOf('config-schema')}
      the JSON schema of the config file

Services: ramDisk (Build Forge), llamaServer (AI Engine), proxy (Router)
Exit codes: 0 done, 1 failed, 2 usage, 3 not running
`
