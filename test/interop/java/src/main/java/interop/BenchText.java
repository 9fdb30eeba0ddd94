package interop;

import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.read.engine.object.HollowObjectTypeReadState;

/** A string of a record: a field of its own, or (`referenced`) of the record of type String that it refers to. */
record BenchText(HollowObjectTypeReadState records, int field, HollowObjectTypeReadState referenced) {
  static BenchText of(HollowReadStateEngine reader, HollowObjectTypeReadState records, int field) {
    String type = records.getSchema().getReferencedType(field);
    return new BenchText(records, field, type == null ? null : (HollowObjectTypeReadState) reader.getTypeState(type));
  }

  int length(int ordinal) {
    if (referenced == null) return records.readString(ordinal, field).length();
    return referenced.readString(records.readOrdinal(ordinal, field), 0).length();
  }
}
