import type { FastifyInstance } from "fastify";
import { type Static, Type } from "typebox";
import { MAX_PHOTO_BYTES, photoFacts } from "../../dispatch/crew-photos.ts";
import { noteUnnamed } from "../../evidence/blob-rows.ts";
import { PEOPLE } from "../../evidence/people.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { idempotencyKey } from "../idempotency.ts";
import { Problem } from "../schema/common.ts";

const PER_MINUTE = 60;
const MEDIA = ["image/jpeg", "image/png", "image/webp"];
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const PhotoQuery = Type.Object({
  /** When it was taken, by the clock of the phone. */
  deviceTimeMs: Type.Integer({ minimum: 0 }),
  latitudeDeg: Type.Optional(Type.Number({ minimum: -90, maximum: 90 })),
  longitudeDeg: Type.Optional(Type.Number({ minimum: -180, maximum: 180 })),
  accuracyM: Type.Optional(Type.Number({ minimum: 0 })),
});
const TakenPhoto = Type.Object({ evidenceId: Type.String(), sha256: Type.String(), sizeBytes: Type.Integer() });

/** What a crew photographs on scene: evidence of its case. */
export function photoRoutes(app: FastifyInstance, { desk, store, clock, evidenceFiles }: ApiContext): void {
  app.addContentTypeParser(MEDIA, { parseAs: "buffer", bodyLimit: MAX_PHOTO_BYTES }, (_request, body, done) =>
    done(null, body),
  );

  app.post<{ Params: Static<typeof Params>; Querystring: Static<typeof PhotoQuery> }>(
    "/assignments/:id/photos",
    {
      bodyLimit: MAX_PHOTO_BYTES,
      config: { access: ["admin", "dispatcher", "crew"], rateLimit: { max: PER_MINUTE, timeWindow: 60_000 } },
      schema: {
        summary: "A photo as evidence of the case: the body is JPEG, PNG or WebP of at most 12 MiB",
        consumes: MEDIA,
        params: Params,
        querystring: PhotoQuery,
        response: { 201: TakenPhoto, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const key = idempotencyKey(request);
      const account = accountOf(request);
      const { id } = request.params;
      if (!Buffer.isBuffer(request.body) || request.body.length === 0) {
        throw new BridgeError("PHOTO_KIND", "the request carries no picture", {
          status: 415,
          hint: `Send its bytes as the body, with the content type ${MEDIA.join(", ")}.`,
        });
      }
      const { deviceTimeMs, latitudeDeg, longitudeDeg, accuracyM } = request.query;
      const position =
        latitudeDeg === undefined || longitudeDeg === undefined
          ? {}
          : { position: { latitudeDeg, longitudeDeg, ...(accuracyM === undefined ? {} : { accuracyM }) } };
      const photo = photoFacts(request.body, { deviceTimeMs, ...position });
      await desk.maySendPhoto(id, photo, account, key);
      const { sha256, sizeBytes } = photo;
      const file = { node: PEOPLE, blob: sha256 };
      // The bytes first: what the timeline names is on the disk.
      await evidenceFiles.put(file, request.body);
      const evidenceId = await desk.takePhoto(id, photo, account, key).catch(async (error: unknown) => {
        // Not removed here: another request may be about to name these very bytes.
        await noteUnnamed(store.db, file, sizeBytes, clock.nowMs());
        throw error;
      });
      return reply.code(201).send({ evidenceId, sha256, sizeBytes });
    },
  );
}
