package interop;

import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.netflix.hollow.core.index.HollowPrimaryKeyIndex;
import com.netflix.hollow.core.index.key.HollowPrimaryKeyValueDeriver;
import com.netflix.hollow.core.read.engine.HollowReadStateEngine;
import com.netflix.hollow.core.read.engine.HollowTypeReadState;
import com.netflix.hollow.core.read.engine.map.HollowMapTypeReadState;
import com.netflix.hollow.core.read.engine.object.HollowObjectTypeReadState;
import com.netflix.hollow.core.read.engine.set.HollowSetTypeReadState;
import com.netflix.hollow.core.read.iterator.HollowMapEntryOrdinalIterator;
import com.netflix.hollow.core.read.iterator.HollowOrdinalIterator;
import com.netflix.hollow.core.schema.HollowObjectSchema.FieldType;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** What can be asked of any loaded state, a consumer's or a raw reader's. */
final class Views {
  private final Sessions<Supplier<HollowReadStateEngine>> engines = new Sessions<>();

  void open(JsonObject request, Supplier<HollowReadStateEngine> engine) {
    engines.put(request, engine);
  }

  void register(Map<String, Main.Handler> handlers) {
    handlers.put("view.dump", this::dump);
    handlers.put("view.findByPrimaryKey", this::findByPrimaryKey);
    handlers.put("view.findByHashKey", this::findByHashKey);
    handlers.put("view.checkLookUps", this::checkLookUps);
  }

  private HollowReadStateEngine engine(JsonObject request) {
    return engines.get(request).get();
  }

  /** Result: {"lines":[…]}. */
  private JsonValue dump(JsonObject request) {
    JsonArray lines = new JsonArray();
    for (String line : Dump.lines(engine(request))) lines.add(line);
    return new JsonObject().add("lines", lines);
  }

  /** {"type", "keys": [[part, …], …]} gives {"ordinals":[…]}, -1 where there is none. */
  private JsonValue findByPrimaryKey(JsonObject request) {
    HollowReadStateEngine engine = engine(request);
    String type = request.getString("type", "");
    HollowObjectTypeReadState state = (HollowObjectTypeReadState) engine.getTypeState(type);
    HollowPrimaryKeyIndex index = new HollowPrimaryKeyIndex(engine, state.getSchema().getPrimaryKey());
    JsonArray ordinals = new JsonArray();
    for (JsonValue key : request.get("keys").asArray()) {
      ordinals.add(index.getMatchingOrdinal(key(index.getFieldTypes(), key)));
    }
    return new JsonObject().add("ordinals", ordinals);
  }

  /** {"type", "queries": [[ordinal, part, …], …]} gives {"found":[…]}: for a SET element ordinals, for a MAP [key, value]. */
  private JsonValue findByHashKey(JsonObject request) {
    HollowTypeReadState state = engine(request).getTypeState(request.getString("type", ""));
    JsonArray found = new JsonArray();
    for (JsonValue query : request.get("queries").asArray()) {
      int ordinal = query.asArray().get(0).asInt();
      JsonArray parts = new JsonArray(query.asArray());
      parts.remove(0);
      if (state instanceof HollowSetTypeReadState set) {
        found.add(set.findElement(ordinal, key(List.of(set.getKeyDeriver().getFieldTypes()), parts)));
      } else {
        HollowMapTypeReadState map = (HollowMapTypeReadState) state;
        Object[] key = key(List.of(map.getKeyDeriver().getFieldTypes()), parts);
        found.add(new JsonArray().add(map.findKey(ordinal, key)).add(map.findValue(ordinal, key)));
      }
    }
    return new JsonObject().add("found", found);
  }

  private static Object[] key(List<FieldType> kinds, JsonValue parts) {
    Object[] key = new Object[kinds.size()];
    for (int i = 0; i < key.length; i++) key[i] = Records.scalar(kinds.get(i), parts.asArray().get(i));
    return key;
  }

  /**
   * Looks every record up by its own key, in every keyed type, and every element of every set and map: by hash key if
   * the type has one, else by ordinal. Result: how many of each were looked up, and the first mismatches.
   */
  private JsonValue checkLookUps(JsonObject request) {
    HollowReadStateEngine engine = engine(request);
    LookUpCheck check = new LookUpCheck();
    for (HollowTypeReadState state : engine.getTypeStates()) {
      if (state instanceof HollowObjectTypeReadState object && object.getSchema().getPrimaryKey() != null) {
        check.primaryKeys(new HollowPrimaryKeyIndex(engine, object.getSchema().getPrimaryKey()), object);
      } else if (state instanceof HollowSetTypeReadState set) {
        check.set(set);
      } else if (state instanceof HollowMapTypeReadState map) {
        check.map(map);
      }
    }
    JsonArray mismatches = new JsonArray();
    check.mismatches.forEach(mismatches::add);
    return new JsonObject().add("byPrimaryKey", check.byPrimaryKey).add("byHashKey", check.byHashKey)
        .add("byOrdinal", check.byOrdinal).add("mismatches", mismatches);
  }

  private static final class LookUpCheck {
    int byPrimaryKey;
    int byHashKey;
    int byOrdinal;
    final List<String> mismatches = new java.util.ArrayList<>();

    private void expect(boolean equal, String what) {
      if (!equal && mismatches.size() < 20) mismatches.add(what);
    }

    void primaryKeys(HollowPrimaryKeyIndex index, HollowObjectTypeReadState type) {
      expect(!index.containsDuplicates(), type.getSchema().getName() + " has duplicate keys");
      BitSet populated = type.getPopulatedOrdinals();
      for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) {
        byPrimaryKey++;
        expect(index.getMatchingOrdinal(index.getRecordKey(o)) == o, type.getSchema().getName() + " " + o);
      }
    }

    void set(HollowSetTypeReadState type) {
      HollowPrimaryKeyValueDeriver keys = type.getKeyDeriver();
      BitSet populated = type.getPopulatedOrdinals();
      for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) {
        HollowOrdinalIterator elements = type.ordinalIterator(o);
        for (int e = elements.next(); e != HollowOrdinalIterator.NO_MORE_ORDINALS; e = elements.next()) {
          int found = keys == null ? (type.contains(o, e) ? e : -1) : type.findElement(o, keys.getRecordKey(e));
          expect(found == e || sameKey(keys, found, e), type.getSchema().getName() + " " + o + ": element " + e + ", found " + found);
          count(keys);
        }
      }
    }

    void map(HollowMapTypeReadState type) {
      HollowPrimaryKeyValueDeriver keys = type.getKeyDeriver();
      BitSet populated = type.getPopulatedOrdinals();
      for (int o = populated.nextSetBit(0); o >= 0; o = populated.nextSetBit(o + 1)) {
        HollowMapEntryOrdinalIterator entries = type.ordinalIterator(o);
        while (entries.next()) {
          int k = entries.getKey();
          int found = keys == null ? type.get(o, k) : type.findValue(o, keys.getRecordKey(k));
          boolean twin = keys != null && sameKey(keys, type.findKey(o, keys.getRecordKey(k)), k);
          expect(found == entries.getValue() || twin, type.getSchema().getName() + " " + o + ": key " + k + ", found " + found);
          count(keys);
        }
      }
    }

    /** Two different records of one collection may have equal hash keys: either may be found. */
    private static boolean sameKey(HollowPrimaryKeyValueDeriver keys, int found, int wanted) {
      return keys != null && found >= 0 && found != wanted && keys.keyMatches(found, keys.getRecordKey(wanted));
    }

    private void count(HollowPrimaryKeyValueDeriver keys) {
      if (keys == null) byOrdinal++;
      else byHashKey++;
    }
  }
}
