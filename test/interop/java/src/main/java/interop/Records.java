package interop;

import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.core.HollowDataset;
import com.netflix.hollow.core.schema.HollowListSchema;
import com.netflix.hollow.core.schema.HollowMapSchema;
import com.netflix.hollow.core.schema.HollowObjectSchema;
import com.netflix.hollow.core.schema.HollowObjectSchema.FieldType;
import com.netflix.hollow.core.schema.HollowSchema;
import com.netflix.hollow.core.schema.HollowSetSchema;
import com.netflix.hollow.core.write.HollowListWriteRecord;
import com.netflix.hollow.core.write.HollowMapWriteRecord;
import com.netflix.hollow.core.write.HollowObjectWriteRecord;
import com.netflix.hollow.core.write.HollowSetWriteRecord;
import com.netflix.hollow.core.write.HollowWriteRecord;
import java.util.HexFormat;

/**
 * JSON values to Hollow write records, bottom-up. OBJECT: {field: value}, or the bare value for a type with one
 * non-reference field; absent and null are null. LIST and SET: [elements]. MAP: [[key, value], …].
 * INT: number. LONG: number or decimal string. FLOAT and DOUBLE: number, or the bits as 8 or 16 hex digits. BYTES: hex.
 */
final class Records {
  interface Sink {
    int add(HollowSchema schema, HollowWriteRecord record);
  }

  private final HollowDataset schemas;
  private final Sink sink;

  Records(HollowDataset schemas, Sink sink) {
    this.schemas = schemas;
    this.sink = sink;
  }

  int add(String type, JsonValue value) {
    HollowSchema schema = schemas.getNonNullSchema(type);
    return switch (schema.getSchemaType()) {
      case OBJECT -> addObject((HollowObjectSchema) schema, value);
      case LIST -> addList((HollowListSchema) schema, value);
      case SET -> addSet((HollowSetSchema) schema, value);
      case MAP -> addMap((HollowMapSchema) schema, value);
    };
  }

  private int addObject(HollowObjectSchema schema, JsonValue value) {
    HollowObjectWriteRecord record = new HollowObjectWriteRecord(schema);
    if (!value.isObject()) {
      if (schema.numFields() != 1) throw new IllegalArgumentException(schema.getName() + " needs an object, got " + value);
      setField(record, schema, 0, value);
      return sink.add(schema, record);
    }
    JsonObject object = value.asObject();
    for (String name : object.names()) {
      int field = schema.getPosition(name);
      if (field < 0) throw new IllegalArgumentException("unknown field " + schema.getName() + "." + name);
      if (!object.get(name).isNull()) setField(record, schema, field, object.get(name));
    }
    return sink.add(schema, record);
  }

  private void setField(HollowObjectWriteRecord record, HollowObjectSchema schema, int field, JsonValue value) {
    String name = schema.getFieldName(field);
    if (schema.getFieldType(field) == FieldType.REFERENCE) {
      record.setReference(name, add(schema.getReferencedType(field), value));
      return;
    }
    Object scalar = scalar(schema.getFieldType(field), value);
    switch (schema.getFieldType(field)) {
      case INT -> record.setInt(name, (Integer) scalar);
      case LONG -> record.setLong(name, (Long) scalar);
      case BOOLEAN -> record.setBoolean(name, (Boolean) scalar);
      case FLOAT -> record.setFloat(name, (Float) scalar);
      case DOUBLE -> record.setDouble(name, (Double) scalar);
      case STRING -> record.setString(name, (String) scalar);
      case BYTES -> record.setBytes(name, (byte[]) scalar);
      default -> throw new IllegalStateException(name);
    }
  }

  /** Null for null; otherwise what Hollow's look-ups and setters take for this kind. */
  static Object scalar(FieldType kind, JsonValue value) {
    if (value == null || value.isNull()) return null;
    return switch (kind) {
      case INT, REFERENCE -> Integer.valueOf(text(value));
      case LONG -> Long.valueOf(text(value));
      case BOOLEAN -> value.asBoolean();
      case FLOAT -> value.isString() ? Float.intBitsToFloat(Integer.parseUnsignedInt(value.asString(), 16)) : value.asFloat();
      case DOUBLE -> value.isString() ? Double.longBitsToDouble(Long.parseUnsignedLong(value.asString(), 16)) : value.asDouble();
      case STRING -> value.asString();
      case BYTES -> HexFormat.of().parseHex(value.asString());
    };
  }

  private static String text(JsonValue value) {
    return value.isString() ? value.asString() : value.toString();
  }

  private int addList(HollowListSchema schema, JsonValue value) {
    HollowListWriteRecord record = new HollowListWriteRecord();
    for (JsonValue element : value.asArray()) record.addElement(add(schema.getElementType(), element));
    return sink.add(schema, record);
  }

  private int addSet(HollowSetSchema schema, JsonValue value) {
    HollowSetWriteRecord record = new HollowSetWriteRecord();
    for (JsonValue element : value.asArray()) record.addElement(add(schema.getElementType(), element));
    return sink.add(schema, record);
  }

  private int addMap(HollowMapSchema schema, JsonValue value) {
    HollowMapWriteRecord record = new HollowMapWriteRecord();
    for (JsonValue entry : value.asArray()) {
      int key = add(schema.getKeyType(), entry.asArray().get(0));
      record.addEntry(key, add(schema.getValueType(), entry.asArray().get(1)));
    }
    return sink.add(schema, record);
  }
}
