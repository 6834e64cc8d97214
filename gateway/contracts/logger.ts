/** The part of pino that stages use: `log.warn({ device, code }, "device lost, will retry")`. */
export interface Logger {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
  fatal(fields: object, sentence: string): void;
  child(fields: object): Logger;
}
