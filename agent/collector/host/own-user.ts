/** Who the collector is: root, and in a test whoever runs it. systemd's manager and others are asked as that user. */
export const ownUid = (): number => process.geteuid?.() ?? 0
