import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Name of the systemd credential (systemd.exec(5), LoadCredential=) in the format of ~/.aws/credentials. */
const CREDENTIAL = 'lastgasp.aws'

/**
 * Tells the SDK's own chain about the systemd credential `lastgasp.aws`, where the service has one. The chain keeps its
 * order: environment, that file, a web identity token, the role of the container or instance.
 */
export function adoptSystemdCredential(environment: NodeJS.ProcessEnv = process.env): void {
  const { CREDENTIALS_DIRECTORY: directory } = environment
  if (directory === undefined || directory === '') return
  const file = join(directory, CREDENTIAL)
  if (existsSync(file)) environment.AWS_SHARED_CREDENTIALS_FILE = file
}
