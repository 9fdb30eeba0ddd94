package interop;

import com.eclipsesource.json.JsonObject;
import com.netflix.hollow.core.schema.HollowMapSchema;
import com.netflix.hollow.core.schema.HollowSchema;
import com.netflix.hollow.core.schema.HollowSchemaParser;
import com.netflix.hollow.core.schema.HollowSetSchema;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Schemas of a request: "schemas" in Hollow's text form. Its parser does not know the mark ! of key paths: such hash keys come in "hashKeys": {type: [paths]}. */
final class Schemas {
  static List<HollowSchema> of(JsonObject request) throws IOException {
    JsonObject hashKeys = Engines.object(request, "hashKeys");
    List<HollowSchema> schemas = new ArrayList<>();
    for (HollowSchema schema : HollowSchemaParser.parseCollectionOfSchemas(request.getString("schemas", ""))) {
      schemas.add(hashKeys.get(schema.getName()) == null ? schema : withHashKey(schema, paths(hashKeys, schema.getName())));
    }
    return schemas;
  }

  private static String[] paths(JsonObject hashKeys, String type) {
    List<String> paths = new ArrayList<>();
    hashKeys.get(type).asArray().forEach(path -> paths.add(path.asString()));
    return paths.toArray(new String[0]);
  }

  private static HollowSchema withHashKey(HollowSchema schema, String[] paths) {
    if (schema instanceof HollowSetSchema set) return new HollowSetSchema(set.getName(), set.getElementType(), paths);
    HollowMapSchema map = (HollowMapSchema) schema;
    return new HollowMapSchema(map.getName(), map.getKeyType(), map.getValueType(), paths);
  }
}
