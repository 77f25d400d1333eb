import type { VersionRecord } from '../../model/function-record.ts';
import type { WorkFolder } from './work-folder.ts';

/**
 * All that a worker gets to see of an environment: nothing of ours is in it, for ours has secrets. The function's own
 * variables come before the defaults and after what it could break itself with.
 */
export function launchEnvironment({
  version,
  functionName,
  instanceId,
  folder,
  path,
  runtimeApi,
}: {
  readonly version: VersionRecord;
  readonly functionName: string;
  readonly instanceId: string;
  readonly folder: WorkFolder;
  readonly path: string;
  readonly runtimeApi?: string | undefined;
}): Record<string, string> {
  return {
    PATH: path,
    LANG: 'C.UTF-8',
    TZ: ':UTC',
    ...version.launch.environment,
    HOME: folder.home,
    TMPDIR: folder.temporary,
    LAMBDA_TASK_ROOT: folder.code,
    _HANDLER: version.launch.handler,
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version.versionId,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.launch.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: functionName,
    AWS_LAMBDA_LOG_STREAM_NAME: instanceId,
    ...(runtimeApi === undefined ? {} : { AWS_LAMBDA_RUNTIME_API: runtimeApi }),
  };
}
