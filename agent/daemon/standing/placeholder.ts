/**
 * Instance ids that cloud-init makes up where its data source gives none (cloudinit/sources, by source: NoCloud, the base class,
 * None and WSL, ConfigDrive, OpenStack, OpenNebula, OVF, VMware, Azure, AltCloud), and the one that cloud-localds(1) writes.
 */
const MADE_UP = /^(nocloud|iid-datasource(-[a-z]+)?|iid-ds[a-z]+|iid-vmware-imc|iid-azure-node|iid-local\d*|455)$/i

/** What tools write where they know nothing. `uninitialized` is systemd's, in an image that has not booted: machine-id(5). */
const WORDS = new Set([
  'uninitialized',
  'none',
  '(none)',
  'null',
  'nil',
  'undefined',
  'unknown',
  'default',
  'localhost',
])

/**
 * Whether many hosts have this id, so that it is none of them: what cloud-init makes up, words for nothing, and ids of zeros or
 * of 0xff only (SMBIOS 7.2.1: "not settable" and "not set").
 */
export function isPlaceholder(id: string): boolean {
  return MADE_UP.test(id) || WORDS.has(id.toLowerCase()) || /^(i-|iid-)?(0[0-]*|f[f-]*)$/i.test(id)
}
