package interop;

import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.api.producer.ProducerOptionalBlobPartConfig;
import com.netflix.hollow.core.read.HollowBlobInput;
import com.netflix.hollow.core.read.engine.HollowBlobReader;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.util.HollowWriteStateCreator;
import com.netflix.hollow.core.write.HollowBlobWriter;
import com.netflix.hollow.core.write.HollowWriteStateEngine;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.Map;

/** The raw write engine: full populates, blobs to named files. */
final class Engines {
  private final Sessions<HollowWriteStateEngine> sessions = new Sessions<>();

  void register(Map<String, Main.Handler> handlers) {
    handlers.put("engine.open", this::open);
    handlers.put("engine.restore", this::restore);
    handlers.put("engine.state", this::state);
  }

  /** {"session", "schemas" (Schemas.java), "numShards"?: {type: n}, "reshardToSize"?: bytes}. */
  private JsonValue open(JsonObject request) throws Exception {
    HollowWriteStateEngine engine = new HollowWriteStateEngine();
    HollowWriteStateCreator.populateStateEngineWithTypeWriteStates(engine, Schemas.of(request));
    setShards(engine, request);
    if (request.get("reshardToSize") != null) {
      engine.setTargetMaxTypeShardSize(request.get("reshardToSize").asLong());
      engine.allowTypeResharding(true);
    }
    sessions.put(request, engine);
    return new JsonObject();
  }

  static void setShards(HollowWriteStateEngine engine, JsonObject request) {
    if (request.get("numShards") == null) return;
    JsonObject counts = request.get("numShards").asObject();
    for (String type : counts.names()) engine.getTypeState(type).setNumShards(counts.getInt(type, 1));
  }

  /** {"session", "file": snapshot, "parts"?}: continues the chain that this snapshot belongs to. */
  private JsonValue restore(JsonObject request) throws Exception {
    HollowReadStateEngine from = new HollowReadStateEngine();
    try (HollowBlobInput input = HollowBlobInput.serial(java.nio.file.Files.readAllBytes(java.nio.file.Path.of(request.getString("file", ""))))) {
      new HollowBlobReader(from).readSnapshot(input, Readers.parts(request));
    }
    sessions.get(request).restoreFrom(from);
    return new JsonObject();
  }

  /**
   * The next state: {"session", "records": {type: [root records]}, "headerTags"?: {…}, "tag"?: 16 hex digits,
   * "write": {"snapshot" | "delta" | "reversedelta": file}, "parts"?: {part: {"types": […], "snapshot" | …: file}}}.
   */
  private JsonValue state(JsonObject request) throws Exception {
    HollowWriteStateEngine engine = sessions.get(request);
    engine.prepareForNextCycle();
    engine.getHeaderTags().clear();
    JsonObject tags = object(request, "headerTags");
    for (String name : tags.names()) engine.addHeaderTag(name, tags.getString(name, ""));
    if (request.get("tag") != null) {
      engine.overrideNextStateRandomizedTag(Long.parseUnsignedLong(request.getString("tag", ""), 16));
    }
    populate(engine, object(request, "records"));
    JsonObject files = object(request, "write");
    // The blob writer prepares: it may change shard counts, which this method may not.
    if (files.isEmpty()) engine.prepareForWrite();
    for (String kind : files.names()) write(engine, kind, files.getString(kind, ""), object(request, "parts"));
    return new JsonObject().add("changed", engine.hasChangedSinceLastCycle());
  }

  static JsonObject object(JsonObject request, String name) {
    return request.get(name) == null ? new JsonObject() : request.get(name).asObject();
  }

  static void populate(HollowWriteStateEngine engine, JsonObject records) {
    Records writer = new Records(engine, (schema, record) -> engine.add(schema.getName(), record));
    for (String type : records.names()) {
      for (JsonValue value : records.get(type).asArray()) writer.add(type, value);
    }
  }

  private static void write(HollowWriteStateEngine engine, String kind, String file, JsonObject parts) throws Exception {
    ProducerOptionalBlobPartConfig config = new ProducerOptionalBlobPartConfig();
    for (String part : parts.names()) {
      parts.get(part).asObject().get("types").asArray().forEach(type -> config.addTypesToPart(part, type.asString()));
    }
    ProducerOptionalBlobPartConfig.OptionalBlobPartOutputStreams streams = config.newStreams();
    for (String part : parts.names()) {
      streams.addOutputStream(part, new BufferedOutputStream(new FileOutputStream(parts.get(part).asObject().getString(kind, ""))));
    }
    HollowBlobWriter writer = new HollowBlobWriter(engine);
    try (OutputStream output = new BufferedOutputStream(new FileOutputStream(file))) {
      switch (kind) {
        case "snapshot" -> writer.writeSnapshot(output, streams);
        case "delta" -> writer.writeDelta(output, streams);
        case "reversedelta" -> writer.writeReverseDelta(output, streams);
        default -> throw new IllegalArgumentException("unknown kind of blob " + kind);
      }
    }
    streams.close();
  }
}
