/** What journald logs last of all when it ends well: SD_MESSAGE_JOURNAL_STOP (systemd, src/systemd/sd-messages.h, as the others). */
export const JOURNAL_STOP = 'd93fb3c9c24d451a97cea615ce59c00b'

/** What logind logs when the host is to go: SD_MESSAGE_SHUTDOWN. */
export const SHUTDOWN = '98268866d1d54a499c4e98921d93bc40'

/** What logind logs of the keys that ask for it: SD_MESSAGE_POWER_KEY, …_LONG_PRESS, REBOOT_KEY, …_LONG_PRESS. */
export const KEYS = [
  'b72ea4a2881545a0b50e200e55b9b071',
  '3e0117101eb243c1b9a50db3494ab10b',
  '9fa9d2c012134ec385451ffe316f97d0',
  'f1c59a58c9d943668965c337caec5975',
] as const

/** Anybody may log any id: only what journald itself says of the sender, in fields with `_`, tells that it is logind. */
export const BY_LOGIND = '_SYSTEMD_UNIT=systemd-logind.service'
