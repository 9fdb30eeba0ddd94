package interop;

import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.schema.HollowObjectSchema;
import com.netflix.hollow.core.schema.HollowObjectSchema.FieldType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** The key at each position: that of a file (32 bits each, little-endian), or without one the position itself. */
record BenchKeys(int[] keys, boolean isLong) {
  static BenchKeys of(HollowReadStateEngine reader, String type, String field, String file) throws IOException {
    boolean isLong = ((HollowObjectSchema) reader.getSchema(type)).getFieldType(field) == FieldType.LONG;
    if (file == null) return new BenchKeys(null, isLong);
    byte[] bytes = Files.readAllBytes(Path.of(file));
    int[] keys = new int[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(keys);
    return new BenchKeys(keys, isLong);
  }

  Object at(int position) {
    int key = keys == null ? position : keys[position];
    // Apart: a conditional of both would be a long.
    if (isLong) return (long) key;
    return key;
  }
}
