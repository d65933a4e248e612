import type { GuestFile } from '../../scripts/vm/disk.ts'
import type { HostOptions } from './scenario.ts'

/** The files that make a machine of an image: which bucket, which credentials, how long. */
export function hostFiles(options: HostOptions, store: string, accessKey: string, secretKey: string) {
  const { settings = '', deadline = 60, bare = false } = options
  const common = `deadline = "${deadline}s"\n${settings}\n`
  const toml = `store = "${options.store ?? store}"\n${common}`
  const credentials = ['[default]', `aws_access_key_id = ${accessKey}`]
  credentials.push(`aws_secret_access_key = ${options.secretKey ?? secretKey}`, '')
  if (bare) return { '/etc/lastgasp/config.d/50-host.toml': { content: common }, ...options.files }
  return {
    '/etc/lastgasp/config.d/50-host.toml': { content: toml },
    '/etc/credstore/lastgasp.aws': { content: credentials.join('\n'), mode: 0o600 },
    ...options.files,
  } satisfies Record<string, GuestFile>
}
