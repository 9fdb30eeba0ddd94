package interop;

import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.api.consumer.fs.HollowFilesystemBlobRetriever;
import com.netflix.hollow.api.producer.HollowProducer;
import com.netflix.hollow.api.producer.ProducerOptionalBlobPartConfig;
import com.netflix.hollow.api.producer.fs.HollowFilesystemAnnouncer;
import com.netflix.hollow.api.producer.fs.HollowFilesystemPublisher;
import com.netflix.hollow.core.HollowDataset;
import com.netflix.hollow.core.index.key.PrimaryKey;
import com.netflix.hollow.core.schema.HollowObjectSchema;
import com.netflix.hollow.core.schema.HollowObjectSchema.FieldType;
import com.netflix.hollow.core.schema.HollowSchema;
import com.netflix.hollow.core.schema.SimpleHollowDataset;
import com.netflix.hollow.core.write.HollowWriteStateEngine;
import com.netflix.hollow.core.write.objectmapper.RecordPrimaryKey;
import com.netflix.hollow.core.write.objectmapper.flatrecords.FlatRecord;
import com.netflix.hollow.core.write.objectmapper.flatrecords.FlatRecordWriter;
import com.netflix.hollow.core.write.objectmapper.flatrecords.HollowSchemaIdentifierMapper;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A stock HollowProducer on a directory: filesystem publisher and announcer, integrity check on. */
final class Producers {
  private final Sessions<Session> sessions = new Sessions<>();

  void register(Map<String, Main.Handler> handlers) {
    handlers.put("produce.open", this::open);
    handlers.put("produce.restore", this::restore);
    handlers.put("produce.cycle", this::cycle);
    handlers.put("produce.incremental", this::incremental);
  }

  private static final class Session {
    Path directory;
    List<HollowSchema> schemas;
    HollowProducer full;
    HollowProducer.Incremental incremental;
    /** What the minter gives next: the test names versions, so that a run can be repeated. */
    long nextVersion;

    HollowWriteStateEngine engine() {
      return full == null ? incremental.getWriteEngine() : full.getWriteEngine();
    }
  }

  /**
   * {"session", "directory", "schemas" (Schemas.java), "incremental"?: boolean, "numStatesBetweenSnapshots"?: n,
   * "numShards"?: {type: n}, "reshardToSize"?: bytes, "parts"?: {part: [types]}}.
   */
  private JsonValue open(JsonObject request) throws Exception {
    Session session = new Session();
    session.directory = Path.of(request.getString("directory", ""));
    session.schemas = Schemas.of(request);
    HollowProducer.Builder<?> builder = HollowProducer.withPublisher(new HollowFilesystemPublisher(session.directory))
        .withAnnouncer(new HollowFilesystemAnnouncer(session.directory))
        .withVersionMinter(() -> session.nextVersion)
        .withNumStatesBetweenSnapshots(request.getInt("numStatesBetweenSnapshots", 0));
    if (request.get("reshardToSize") != null) {
      builder.withTargetMaxTypeShardSize(request.get("reshardToSize").asLong()).withTypeResharding(true);
    }
    JsonObject parts = Engines.object(request, "parts");
    if (!parts.isEmpty()) {
      ProducerOptionalBlobPartConfig config = new ProducerOptionalBlobPartConfig();
      for (String part : parts.names()) {
        parts.get(part).asArray().forEach(type -> config.addTypesToPart(part, type.asString()));
      }
      builder.withOptionalPartConfig(config);
    }
    HollowSchema[] model = session.schemas.toArray(new HollowSchema[0]);
    if (request.getBoolean("incremental", false)) {
      session.incremental = builder.buildIncremental();
      session.incremental.initializeDataModel(model);
    } else {
      session.full = builder.build();
      session.full.initializeDataModel(model);
    }
    Engines.setShards(session.engine(), request);
    sessions.put(request, session);
    return new JsonObject();
  }

  /** {"session", "version"}: from this directory. */
  private JsonValue restore(JsonObject request) {
    Session session = sessions.get(request);
    long version = Long.parseLong(request.getString("version", ""));
    HollowFilesystemBlobRetriever retriever = new HollowFilesystemBlobRetriever(session.directory);
    if (session.full == null) session.incremental.restore(version, retriever);
    else session.full.restore(version, retriever);
    return new JsonObject();
  }

  /** A full populate: {"session", "version", "records": {type: [root records]}, "headerTags"?}. Result: the version announced. */
  private JsonValue cycle(JsonObject request) {
    Session session = sessions.get(request);
    session.nextVersion = Long.parseLong(request.getString("version", ""));
    JsonObject tags = Engines.object(request, "headerTags");
    long version = session.full.runCycle(state -> {
      for (String name : tags.names()) state.getStateEngine().addHeaderTag(name, tags.getString(name, ""));
      Engines.populate(state.getStateEngine(), Engines.object(request, "records"));
    });
    return new JsonObject().add("version", Long.toString(version));
  }

  /** {"session", "version", "upserts"?: {type: [records]}, "deletes"?: {type: [[key part, …], …]}}. */
  private JsonValue incremental(JsonObject request) {
    Session session = sessions.get(request);
    session.nextVersion = Long.parseLong(request.getString("version", ""));
    JsonObject upserts = Engines.object(request, "upserts");
    JsonObject deletes = Engines.object(request, "deletes");
    HollowDataset dataset = new SimpleHollowDataset(session.schemas);
    SchemaIds ids = new SchemaIds(dataset, session.schemas);
    long version = session.incremental.runIncrementalCycle(state -> {
      for (String type : upserts.names()) {
        for (JsonValue value : upserts.get(type).asArray()) state.addOrModify(flatRecord(dataset, ids, type, value));
      }
      for (String type : deletes.names()) {
        List<FieldType> kinds = List.of(ids.getPrimaryKeyFieldTypes(ids.getSchemaId(dataset.getSchema(type))));
        for (JsonValue key : deletes.get(type).asArray()) {
          Object[] parts = new Object[kinds.size()];
          for (int i = 0; i < parts.length; i++) parts[i] = Records.scalar(kinds.get(i), key.asArray().get(i));
          state.delete(new RecordPrimaryKey(type, parts));
        }
      }
    });
    return new JsonObject().add("version", Long.toString(version));
  }

  private static FlatRecord flatRecord(HollowDataset dataset, SchemaIds ids, String type, JsonValue value) {
    FlatRecordWriter writer = new FlatRecordWriter(dataset, ids);
    new Records(dataset, writer::write).add(type, value);
    return writer.generateFlatRecord();
  }

  /** Flat records name their schemas by number: the position in the model. */
  private static final class SchemaIds implements HollowSchemaIdentifierMapper {
    private final HollowDataset dataset;
    private final List<HollowSchema> schemas;

    SchemaIds(HollowDataset dataset, List<HollowSchema> schemas) {
      this.dataset = dataset;
      this.schemas = schemas;
      Set<String> names = new HashSet<>();
      schemas.forEach(schema -> names.add(schema.getName()));
      if (names.size() != schemas.size()) throw new IllegalArgumentException("a type is declared twice");
    }

    @Override public HollowSchema getSchema(int id) {
      return schemas.get(id);
    }

    @Override public int getSchemaId(HollowSchema schema) {
      for (int id = 0; id < schemas.size(); id++) {
        if (schemas.get(id).getName().equals(schema.getName())) return id;
      }
      throw new IllegalArgumentException("unknown type " + schema.getName());
    }

    @Override public FieldType[] getPrimaryKeyFieldTypes(int id) {
      PrimaryKey key = ((HollowObjectSchema) schemas.get(id)).getPrimaryKey();
      FieldType[] kinds = new FieldType[key.numFields()];
      for (int i = 0; i < kinds.length; i++) kinds[i] = key.getFieldType(dataset, i);
      return kinds;
    }
  }
}
