import { LEAST_UNFINISHED_DAYS } from './lifecycle.ts'
import type { PartName, Wish } from './parts.ts'

/** What a part is, in a line, and the command of AWS's own tool that takes its document from a file. */
export interface Told {
  readonly about: string
  readonly apply: string
}

export function toldOf(part: PartName, { place: { bucket }, host, retention: { unfinished } }: Wish): Told {
  const file = `file://${part}.json`
  const s3api = (command: string, option: string) => `aws s3api ${command} --bucket ${bucket} --${option} ${file}`
  switch (part) {
    case 'encryption':
      return {
        about: 'the key that the bucket encrypts with',
        apply: s3api('put-bucket-encryption', 'server-side-encryption-configuration'),
      }
    case 'lock':
      return {
        about: 'Object Lock: for so long nobody deletes a bundle (the bucket was made with Object Lock)',
        apply: s3api('put-object-lock-configuration', 'object-lock-configuration'),
      }
    case 'bucket':
      return {
        about: "the bucket's policy: nobody overwrites, nobody comes without TLS",
        apply: s3api('put-bucket-policy', 'policy'),
      }
    case 'host':
      return { about: `the role of ${hosts(host)}`, apply: role(part, file) }
    case 'operator':
      return {
        about: 'who reads bundles: list, show, fetch, verify, and sees what there is to salvage',
        apply: role(part, file),
      }
    case 'salvager':
      return { about: 'who completes what dying hosts could not: lastgasp salvage', apply: role(part, file) }
    case 'lifecycle':
      return {
        about: `when the bucket deletes by itself. What hosts could not finish stays for ${unfinished} days, to be salvaged: no other rule of the bucket may remove unfinished uploads sooner than in ${LEAST_UNFINISHED_DAYS}`,
        apply: s3api('put-bucket-lifecycle-configuration', 'lifecycle-configuration'),
      }
  }
}

const role = (part: PartName, file: string) =>
  `aws iam put-role-policy --role-name ROLE --policy-name lastgasp-${part} --policy-document ${file}`

function hosts(host: string): string {
  if (!/[*?]/.test(host)) return `host ${host}: it adds under its own name, and does nothing else`
  return 'many hosts: each adds, and does nothing else, but also under the names of the others (--host tells them apart)'
}
