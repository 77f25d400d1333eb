import type { Command } from 'commander';
import type { ExitCode } from '../wiring/exit-codes.ts';

/** Gives a command its arguments, flags and action. `end` takes how it ended; what it throws is reported. */
export type Declare = (command: Command, end: (code: ExitCode) => void) => void;

/** Each command is imported when it is asked for: what it needs takes a tenth of a second to load, and the others need none of it. */
export const COMMANDS: readonly {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<Declare>;
}[] = [
  {
    name: 'dev',
    description:
      'start everything on this machine, to try it and to develop: platform, metrics store, autoscaler, console',
    load: async () => (await import('./dev/dev.ts')).declareDev,
  },
  {
    name: 'autoscale',
    description: 'run the autoscaler: discover function versions, read their signals, and keep their instances right',
    load: async () => (await import('./autoscale.ts')).declareAutoscale,
  },
  {
    name: 'platform',
    description: 'run the function platform of this machine: something real to scale, with a control plane and metrics',
    load: async () => (await import('./platform/platform.ts')).declarePlatform,
  },
  {
    name: 'metrics-store',
    description: 'keep the last hour of metrics in memory: scrapes targets, answers a part of PromQL; for one machine',
    load: async () => (await import('./metrics-store.ts')).declareMetricsStore,
  },
  {
    name: 'migrate',
    description: 'create or upgrade the tables of the coordination store; safe to repeat',
    load: async () => (await import('./migrate.ts')).declareMigrate,
  },
  {
    name: 'config',
    description: 'check the configuration and show each value with its source; secrets are masked',
    load: async () => (await import('./config.ts')).declareConfig,
  },
  {
    name: 'doctor',
    description: 'check the configuration, each dependency, permissions, clocks and profile queries; say what to do',
    load: async () => (await import('./doctor/doctor.ts')).declareDoctor,
  },
  {
    name: 'evaluate',
    description: 'decide for one function version from its real signals, and write nothing',
    load: async () => (await import('./evaluate/evaluate.ts')).declareEvaluate,
  },
  {
    name: 'explain',
    description: 'tell what was decided for a function version, what came of it, and why',
    load: async () => (await import('./explain.ts')).declareExplain,
  },
  {
    name: 'top',
    description: 'watch the fleet in the terminal: what is wanted, what runs, and why',
    load: async () => (await import('./top/top.ts')).declareTop,
  },
  {
    name: 'functions',
    description: 'list the active function versions of the fleet, as they stand',
    load: async () => (await import('./functions.ts')).declareFunctions,
  },
  {
    name: 'pause',
    description: 'leave a function version as it is for a while',
    load: async () => (await import('./controls/controls.ts')).declarePause,
  },
  {
    name: 'override',
    description: 'run so many instances of a function version for a while, whatever its load',
    load: async () => (await import('./controls/controls.ts')).declareOverride,
  },
  {
    name: 'resume',
    description: 'end the pause and the override of a function version',
    load: async () => (await import('./controls/controls.ts')).declareResume,
  },
  {
    name: 'unfreeze',
    description: 'let decreases through for a while, although the fleet froze itself',
    load: async () => (await import('./controls/controls.ts')).declareUnfreeze,
  },
  {
    name: 'completion',
    description: 'print what makes a shell complete these commands and their flags',
    load: async () => {
      const { declareCompletion } = await import('./completion/completion.ts');
      return (command, end) => declareCompletion(command, end, COMMANDS);
    },
  },
];
