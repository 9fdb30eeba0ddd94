package interop;

import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.read.engine.HollowTypeReadState;
import com.netflix.hollow.core.read.engine.list.HollowListTypeReadState;
import com.netflix.hollow.core.read.engine.map.HollowMapTypeReadState;
import com.netflix.hollow.core.read.engine.object.HollowObjectTypeReadState;
import com.netflix.hollow.core.read.engine.set.HollowSetTypeReadState;
import com.netflix.hollow.core.read.iterator.HollowMapEntryOrdinalIterator;
import com.netflix.hollow.core.read.iterator.HollowOrdinalIterator;
import com.netflix.hollow.core.schema.HollowObjectSchema;
import com.netflix.hollow.tools.checksum.HollowChecksum;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** A whole state as NDJSON lines; the text is what JavaScript's JSON.stringify gives, so that files can be compared. */
final class Dump {
  static List<String> lines(HollowReadStateEngine engine) {
    List<String> lines = new ArrayList<>();
    lines.add(stateLine(engine));
    for (String name : new TreeSet<>(engine.getAllTypes())) {
      HollowTypeReadState type = engine.getTypeState(name);
      BitSet populated = type.getPopulatedOrdinals();
      StringBuilder line = new StringBuilder("{\"kind\":\"type\",\"name\":");
      quote(line, name);
      quote(line.append(",\"schema\":"), type.getSchema().toString());
      line.append(",\"numShards\":").append(type.numShards()).append(",\"count\":").append(populated.cardinality());
      lines.add(line.append(",\"checksum\":").append(type.getChecksum(type.getSchema()).intValue()).append('}').toString());
      for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) lines.add(recordLine(type, o));
    }
    return lines;
  }

  private static String stateLine(HollowReadStateEngine engine) {
    StringBuilder line = new StringBuilder("{\"kind\":\"state\",\"randomizedTag\":\"");
    line.append(HexFormat.of().toHexDigits(engine.getCurrentRandomizedTag())).append("\",\"headerTags\":{");
    String separator = "";
    for (Map.Entry<String, String> tag : new TreeMap<>(engine.getHeaderTags()).entrySet()) {
      quote(line.append(separator), tag.getKey());
      quote(line.append(':'), tag.getValue());
      separator = ",";
    }
    int checksum = HollowChecksum.forStateEngineWithCommonSchemas(engine, engine).intValue();
    return line.append("},\"checksum\":").append(checksum).append('}').toString();
  }

  private static String recordLine(HollowTypeReadState type, int ordinal) {
    StringBuilder line = new StringBuilder("[").append(ordinal).append(',');
    if (type instanceof HollowObjectTypeReadState object) {
      HollowObjectSchema schema = object.getSchema();
      line.setLength(line.length() - 1);
      for (int field = 0; field < schema.numFields(); field++) value(line.append(','), object, ordinal, field);
    } else if (type instanceof HollowListTypeReadState list) {
      line.append('[');
      int size = list.size(ordinal);
      for (int i = 0; i < size; i++) line.append(i == 0 ? "" : ",").append(list.getElementOrdinal(ordinal, i));
      line.append(']');
    } else if (type instanceof HollowSetTypeReadState set) {
      elements(line, set, ordinal);
    } else {
      entries(line, (HollowMapTypeReadState) type, ordinal);
    }
    return line.append(']').toString();
  }

  private static void value(StringBuilder line, HollowObjectTypeReadState type, int ordinal, int field) {
    if (type.isNull(ordinal, field)) {
      line.append("null");
      return;
    }
    switch (type.getSchema().getFieldType(field)) {
      case INT -> line.append('"').append(type.readInt(ordinal, field)).append('"');
      case LONG -> line.append('"').append(type.readLong(ordinal, field)).append('"');
      case BOOLEAN -> line.append(type.readBoolean(ordinal, field).booleanValue());
      case FLOAT -> quote(line, HexFormat.of().toHexDigits(Float.floatToRawIntBits(type.readFloat(ordinal, field))));
      case DOUBLE -> quote(line, HexFormat.of().toHexDigits(Double.doubleToRawLongBits(type.readDouble(ordinal, field))));
      case STRING -> quote(line, type.readString(ordinal, field));
      case BYTES -> quote(line, HexFormat.of().formatHex(type.readBytes(ordinal, field)));
      case REFERENCE -> line.append(type.readOrdinal(ordinal, field));
    }
  }

  private static void elements(StringBuilder line, HollowSetTypeReadState set, int ordinal) {
    int[] sorted = new int[set.size(ordinal)];
    int count = 0;
    HollowOrdinalIterator iterator = set.ordinalIterator(ordinal);
    for (int e = iterator.next(); e != HollowOrdinalIterator.NO_MORE_ORDINALS; e = iterator.next()) sorted[count++] = e;
    if (count != sorted.length) throw new IllegalStateException("set " + ordinal + ": size " + sorted.length + ", found " + count);
    java.util.Arrays.sort(sorted);
    line.append('[');
    for (int i = 0; i < count; i++) line.append(i == 0 ? "" : ",").append(sorted[i]);
    line.append(']');
  }

  private static void entries(StringBuilder line, HollowMapTypeReadState map, int ordinal) {
    List<int[]> sorted = new ArrayList<>();
    HollowMapEntryOrdinalIterator iterator = map.ordinalIterator(ordinal);
    while (iterator.next()) sorted.add(new int[] {iterator.getKey(), iterator.getValue()});
    if (sorted.size() != map.size(ordinal)) {
      throw new IllegalStateException("map " + ordinal + ": size " + map.size(ordinal) + ", found " + sorted.size());
    }
    sorted.sort((a, b) -> a[0] != b[0] ? Integer.compare(a[0], b[0]) : Integer.compare(a[1], b[1]));
    line.append('[');
    for (int i = 0; i < sorted.size(); i++) {
      line.append(i == 0 ? "[" : ",[").append(sorted.get(i)[0]).append(',').append(sorted.get(i)[1]).append(']');
    }
    line.append(']');
  }

  /** As JSON.stringify: short escapes, other controls and lone surrogates as lower-case \\u, the rest as it is. */
  static void quote(StringBuilder line, String text) {
    line.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1));
      if (pair) {
        line.append(c).append(text.charAt(++i));
      } else if (c == '"' || c == '\\') {
        line.append('\\').append(c);
      } else if (c >= ' ' && !Character.isSurrogate(c)) {
        line.append(c);
      } else {
        int known = "\b\t\n\f\r".indexOf(c);
        if (known >= 0) line.append('\\').append("btnfr".charAt(known));
        else line.append("\\u").append(HexFormat.of().toHexDigits(c));
      }
    }
    line.append('"');
  }
}
